# --- Application Metadata ---
# name:       cart
# language:   ruby
# framework:  rails
# --------------------------------
FROM ruby:3.2-bookworm AS build
ENV BUNDLE_WITHOUT=development:test BUNDLE_PATH=/gems
WORKDIR /srv
COPY Gemfile Gemfile.lock* ./
RUN bundle install

FROM ruby:3.2-slim-bookworm
ENV BUNDLE_WITHOUT=development:test BUNDLE_PATH=/gems RAILS_ENV=production RACK_ENV=production RAILS_LOG_TO_STDOUT=1
WORKDIR /srv
COPY --from=build /gems /gems
COPY --chown=10001:10001 . .
EXPOSE 3000
USER 10001:10001
CMD ["bundle", "exec", "rails", "server", "-b", "0.0.0.0", "-p", "3000"]
