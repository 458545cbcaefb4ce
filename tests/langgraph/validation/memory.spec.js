import { suite } from "./suite.js";

suite("memory");
