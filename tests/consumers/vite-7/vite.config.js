// Its development server moves the code of dependencies, and leaves the WebAssembly behind.
export default { optimizeDeps: { exclude: ["longwait"] } };
