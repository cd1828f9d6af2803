# --- Application Metadata ---
# name:       cart
# language:   javascript
# framework:  express
# --------------------------------
FROM node:20-bookworm AS build
WORKDIR /srv
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build --if-present && npm prune --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /srv
COPY --from=build /srv /srv
EXPOSE 3000
USER 10001:10001
CMD ["node", "server.js"]
