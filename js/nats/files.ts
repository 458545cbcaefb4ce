/** The bodies of attachments, in the object store. */
import { Objm, type ObjectStore } from "@nats-io/obj";
import { nuid, type NatsConnection } from "@nats-io/nats-core";
import type { Upload } from "../border/remote.js";
import type { Link } from "./link.js";
import { refused } from "./fault.js";

export class Files {
  readonly #link: Link;
  readonly #bucket: string;
  readonly #replicas: number;
  #store: { of: NatsConnection; opened: Promise<ObjectStore> } | undefined;
  /**
   * The objects of uploads that are not committed yet, by body and place, so that a commit that is tried again does not upload them again. Each
   * attachment has an object of its own, also where several are of one Blob: it is removed with the attachment.
   */
  readonly #uploaded = new WeakMap<Blob, Map<string, string>>();

  constructor(link: Link, bucket: string, replicas: number) {
    this.#link = link;
    this.#bucket = bucket;
    this.#replicas = replicas;
  }

  /** Makes the bucket where it is missing. */
  async prepare(): Promise<void> {
    await this.#open();
  }

  has(upload: Upload): boolean {
    return this.#uploaded.get(upload.body)?.has(placeOf(upload)) === true;
  }

  /** Uploads a body, and gives the name of its object. */
  async put(upload: Upload): Promise<string> {
    const { body } = upload;
    const known = this.#uploaded.get(body)?.get(placeOf(upload));
    if (known !== undefined) return known;
    const object = nuid.next();
    const store = await this.#open();
    // A Blob of another frame streams bytes that are none to the client of NATS.
    await store.put({ name: object }, new Blob([body]).stream());
    if (!this.#uploaded.has(body)) this.#uploaded.set(body, new Map());
    this.#uploaded.get(body)!.set(placeOf(upload), object);
    return object;
  }

  /** Forgets uploads, which are committed: from now on their objects are those of the process, and removed with it. */
  forget(uploads: readonly Upload[]): string[] {
    const objects = uploads.map((upload) => this.#uploaded.get(upload.body)?.get(placeOf(upload)));
    for (const upload of uploads) this.#uploaded.get(upload.body)?.delete(placeOf(upload));
    return objects.filter((object) => object !== undefined);
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

  /** Removes uploads that are not going to be committed. */
  async discard(uploads: readonly Upload[]): Promise<void> {
    const objects = this.forget(uploads);
    if (objects.length > 0) await this.remove(objects);
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

const placeOf = ({ processId, name }: Upload): string => JSON.stringify([processId, name]);
