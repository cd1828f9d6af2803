# --- Application Metadata ---
# name:       cart
# language:   javascript
# framework:  react
# --------------------------------
FROM node:22-bookworm AS build
WORKDIR /srv
COPY package.json pnpm-lock.yaml ./
RUN corepack enable && pnpm install --frozen-lockfile
COPY . .
# The folder that the build writes; the tools do not agree on its name.
RUN npm run build \
    && if [ -d dist ]; then mv dist /site; elif [ -d build ]; then mv build /site; else mv out /site; fi

FROM nginxinc/nginx-unprivileged:1.27-alpine
COPY --from=build /site /usr/share/nginx/html
# The variables are nginx's own.
# hadolint ignore=SC2016
RUN printf '%s\n' \
    'server {' \
    '  listen 8080;' \
    '  root /usr/share/nginx/html;' \
    '  location / { try_files $uri $uri/ /index.html; }' \
    '}' > /etc/nginx/conf.d/default.conf
EXPOSE 8080
USER 101:101
