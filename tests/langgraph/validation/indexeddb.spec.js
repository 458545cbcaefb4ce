import "fake-indexeddb/auto";
import { suite } from "./suite.js";

suite("indexeddb");
