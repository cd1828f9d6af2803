// Package http holds the routes of the API.
package http

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/myorg/supermarket-inventory/api/internal/store"
)

// Router declares every route.
func Router(stock *store.Store) http.Handler {
	router := gin.New()
	router.Use(gin.Recovery())

	router.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	router.GET("/readyz", func(c *gin.Context) {
		if err := stock.Ping(c); err != nil {
			c.Status(http.StatusServiceUnavailable)
			return
		}
		c.Status(http.StatusOK)
	})

	group := router.Group("/api")
	group.GET("/products", products(stock))
	group.GET("/inventory/:store/:sku", inventory(stock))
	group.POST("/checkout", checkout(stock))
	return router
}

func products(stock *store.Store) gin.HandlerFunc {
	return func(c *gin.Context) {
		items, err := stock.Products(c)
		if err != nil {
			c.Status(http.StatusInternalServerError)
			return
		}
		c.JSON(http.StatusOK, items)
	}
}

func inventory(stock *store.Store) gin.HandlerFunc {
	return func(c *gin.Context) {
		id, err := strconv.Atoi(c.Param("store"))
		if err != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		quantity, err := stock.Quantity(c, id, c.Param("sku"))
		if err != nil {
			c.Status(http.StatusNotFound)
			return
		}
		c.JSON(http.StatusOK, gin.H{"quantity": quantity})
	}
}

func checkout(stock *store.Store) gin.HandlerFunc {
	return func(c *gin.Context) {
		var basket store.Basket
		if err := c.ShouldBindJSON(&basket); err != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		err := stock.Checkout(c, basket)
		switch {
		case errors.Is(err, store.ErrSoldOut):
			c.Status(http.StatusConflict)
		case err != nil:
			c.Status(http.StatusInternalServerError)
		default:
			c.Status(http.StatusCreated)
		}
	}
}
