/** A log of any length, of which the pages around what is shown are kept. Sequences have no gaps, so a place is known without reading what is before. */
import type { ProcessEvent, ProcessRegistry } from "../../types/public.js";

const PAGE = 100;
const MOST_PAGES = 40;

export class LogPages {
  /** By the page's number; those that were used last stand last. */
  private readonly pages = new Map<number, ProcessEvent[]>();
  private readonly reading = new Set<number>();

  constructor(
    private readonly registry: ProcessRegistry,
    private readonly processId: string,
    private readonly changed: () => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** The event of a sequence, or `undefined` until it is read: that is begun. */
  at(sequence: number): ProcessEvent | undefined {
    const number = Math.floor((sequence - 1) / PAGE);
    const page = this.pages.get(number);
    const event = page?.[(sequence - 1) % PAGE];
    if (page !== undefined && event !== undefined) {
      this.pages.delete(number);
      this.pages.set(number, page);
      return event;
    }
    void this.read(number, page?.length ?? 0);
    return undefined;
  }

  private async read(number: number, known: number): Promise<void> {
    if (this.reading.has(number)) return;
    this.reading.add(number);
    try {
      const more = await this.registry.eventsAfter(this.processId, number * PAGE + known, { limit: PAGE - known });
      this.pages.set(number, [...(this.pages.get(number) ?? []).slice(0, known), ...more]);
      for (const oldest of this.pages.keys()) {
        if (this.pages.size <= MOST_PAGES) break;
        this.pages.delete(oldest);
      }
      if (more.length > 0) this.changed();
    } catch (error) {
      this.failed(error);
    } finally {
      this.reading.delete(number);
    }
  }
}
