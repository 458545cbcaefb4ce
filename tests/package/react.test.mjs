/** The hooks with React 19. */
import { cases } from "./react-cases.mjs";

await cases("19");
