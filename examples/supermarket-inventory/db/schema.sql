CREATE TABLE products (
    sku         text PRIMARY KEY,
    name        text NOT NULL,
    unit_price  numeric(10, 2) NOT NULL CHECK (unit_price >= 0)
);

CREATE TABLE stock (
    store_id    integer NOT NULL,
    sku         text NOT NULL REFERENCES products (sku),
    quantity    integer NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (store_id, sku)
);

CREATE TABLE movements (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id    integer NOT NULL,
    sku         text NOT NULL REFERENCES products (sku),
    delta       integer NOT NULL,
    reason      text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
