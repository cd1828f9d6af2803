// Package store keeps the stock in PostgreSQL.
package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrSoldOut says that a basket asks for more than a store has.
var ErrSoldOut = errors.New("sold out")

// Product is one article.
type Product struct {
	SKU  string `json:"sku"`
	Name string `json:"name"`
}

// Basket is one checkout.
type Basket struct {
	Store int            `json:"store"`
	Items map[string]int `json:"items"`
}

// Store reads and writes stock.
type Store struct{ pool *pgxpool.Pool }

// New wraps a pool.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// Products lists the first hundred articles.
func (s *Store) Products(ctx context.Context) ([]Product, error) {
	rows, err := s.pool.Query(ctx, `SELECT sku, name FROM products ORDER BY sku LIMIT 100`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Product])
}

// Quantity is what one store has of one article.
func (s *Store) Quantity(ctx context.Context, store int, sku string) (quantity int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT quantity FROM stock WHERE store_id = $1 AND sku = $2`, store, sku).Scan(&quantity)
	return quantity, err
}

// Checkout takes a basket out of the stock, all or nothing.
func (s *Store) Checkout(ctx context.Context, basket Basket) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
		for sku, count := range basket.Items {
			tag, err := tx.Exec(ctx,
				`UPDATE stock SET quantity = quantity - $3 WHERE store_id = $1 AND sku = $2 AND quantity >= $3`,
				basket.Store, sku, count)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return ErrSoldOut
			}
		}
		return nil
	})
}
