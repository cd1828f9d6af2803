import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Products() {
  const [items, setItems] = useState([]);
  useEffect(() => {
    fetch("/api/products").then((reply) => reply.json()).then(setItems);
  }, []);
  return <ul>{items.map((item) => <li key={item.sku}>{item.name}</li>)}</ul>;
}

createRoot(document.getElementById("root")).render(<StrictMode><Products /></StrictMode>);
