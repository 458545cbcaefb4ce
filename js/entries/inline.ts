/**
 * The WebAssembly as bytes, in JavaScript: for `openRegistry({ wasm })` where no file can lie beside the code, or nothing can be fetched.
 *
 * @module
 */
import bytes from "longwait:wasm";

/** What `longwait_bg.wasm` holds. */
const wasm: BufferSource = bytes;

export default wasm;
