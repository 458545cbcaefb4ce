/** A worker that ends before it could drive. */
throw new Error("on purpose");
