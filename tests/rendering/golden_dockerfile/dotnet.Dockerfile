# --- Application Metadata ---
# name:       cart
# language:   csharp
# framework:  aspnet
# --------------------------------
FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build
WORKDIR /src
COPY . .
RUN dotnet publish "Cart.csproj" --configuration Release --output /out

FROM mcr.microsoft.com/dotnet/aspnet:9.0
ENV ASPNETCORE_HTTP_PORTS=8080
WORKDIR /app
COPY --from=build /out /app
EXPOSE 8080
USER 1654:1654
ENTRYPOINT ["dotnet", "Cart.dll"]
