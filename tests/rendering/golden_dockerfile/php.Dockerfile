# --- Application Metadata ---
# name:       cart
# language:   php
# framework:  laravel
# --------------------------------
FROM composer:2.8 AS build
WORKDIR /srv
COPY . .
RUN composer install --no-dev --no-interaction --no-progress --optimize-autoloader --ignore-platform-reqs

FROM php:8.2-apache-bookworm
RUN sed -ri 's/^Listen 80$/Listen 8080/' /etc/apache2/ports.conf \
    && sed -ri 's/:80>/:8080>/; s#DocumentRoot .*#DocumentRoot /srv/public#' /etc/apache2/sites-available/000-default.conf \
    && a2enmod rewrite
COPY --from=build --chown=33:33 /srv /srv
RUN printf '%s\n' '<Directory /srv>' '  AllowOverride All' '  Require all granted' '</Directory>' \
    > /etc/apache2/conf-enabled/srv.conf
WORKDIR /srv
EXPOSE 8080
USER 33:33
