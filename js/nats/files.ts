/** The bodies of attachments, in the object store. */
import { Objm, type ObjectStore } from "@nats-io/obj";
import { nuid, type NatsConnection } from "@nats-io/nats-core";
import type { Link } from "./link.js";
import { refused } from "./fault.js";

export class Files {
  readonly #link: Link;
  readonly #bucket: string;
  readonly #replicas: number;
  #store: { of: NatsConnection; opened: Promise<ObjectStore> } | undefined;
  /** The objects of bodies that were uploaded, so that a commit that is tried again does not upload them again. */
  readonly #uploaded = new WeakMap<Blob, string>();

  constructor(link: Link, bucket: string, replicas: number) {
    this.#link = link;
    this.#bucket = bucket;
    this.#replicas = replicas;
  }

  /** Makes the bucket where it is missing. */
  async prepare(): Promise<void> {
    await this.#open();
  }

  /** Uploads a body, and gives the name of its object. */
  async put(body: Blob): Promise<string> {
    const known = this.#uploaded.get(body);
    if (known !== undefined) return known;
    const name = nuid.next();
    const store = await this.#open();
    // A Blob of another frame streams bytes that are none to the client of NATS.
    await store.put({ name }, new Blob([body]).stream());
    this.#uploaded.set(body, name);
    return name;
  }

  async get(name: string, type: string): Promise<Blob> {
    const found = await (await this.#open()).get(name);
    if (!found) throw refused(`the object ${name} of the bucket ${this.#bucket} is missing`);
    const body = await new Response(found.data).blob();
    const fault = await found.error;
    if (fault) throw fault;
    return new Blob([body], { type });
  }

  /** Removes objects that no process has any more. One that stays, as the connection was lost, takes space and harms nothing. */
  async remove(names: readonly string[]): Promise<void> {
    const store = await this.#open();
    await Promise.all(names.map((name) => store.delete(name)));
  }

  /** Removes what was uploaded of these bodies. */
  async discard(bodies: readonly Blob[]): Promise<void> {
    const names = bodies.map((body) => this.#uploaded.get(body)).filter((name) => name !== undefined);
    bodies.forEach((body) => this.#uploaded.delete(body));
    if (names.length > 0) await this.remove(names);
  }

  async #open(): Promise<ObjectStore> {
    const connection = await this.#link.live();
    if (this.#store?.of !== connection) {
      const opened = new Objm(connection).create(this.#bucket, { replicas: this.#replicas });
      this.#store = { of: connection, opened };
      opened.catch(() => (this.#store = undefined));
    }
    return this.#store.opened;
  }
}
