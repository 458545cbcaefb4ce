/** The rows of a long list that are on the screen, by @tanstack/virtual-core. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualItem } from "@tanstack/virtual-core";
import type { ReactiveController, ReactiveControllerHost } from "lit";

export interface VirtualOptions {
  /** The element that scrolls; nothing until it is there. */
  readonly scroller: () => HTMLElement | null;
  readonly count: () => number;
  readonly rowHeight: () => number;
  readonly keyOf?: (index: number) => string | number;
  /** A row that stays, wherever the list is scrolled to: it has the focus. */
  readonly kept?: () => number | undefined;
}

export class Virtual implements ReactiveController {
  private readonly virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  private unmount: (() => void) | undefined;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly given: VirtualOptions,
  ) {
    host.addController(this);
    this.virtualizer = new Virtualizer(this.options());
  }

  hostConnected(): void {
    this.unmount = this.virtualizer._didMount();
  }

  hostDisconnected(): void {
    this.unmount?.();
    this.unmount = undefined;
  }

  hostUpdate(): void {
    this.virtualizer.setOptions(this.options());
  }

  hostUpdated(): void {
    this.virtualizer._willUpdate();
  }

  get rows(): VirtualItem[] {
    return this.virtualizer.getVirtualItems();
  }

  get height(): number {
    return this.virtualizer.getTotalSize();
  }

  scrollTo(index: number, align: "auto" | "start" | "center" | "end" = "auto"): void {
    this.virtualizer.scrollToIndex(index, { align });
  }

  /** Learns the height of a row. */
  readonly measure = (row: Element | undefined): void => {
    if (row !== undefined) this.virtualizer.measureElement(row as HTMLElement);
  };

  /** Forgets the heights of rows. */
  remeasure(): void {
    this.virtualizer.measure();
  }

  private options() {
    const { scroller, count, rowHeight, keyOf, kept } = this.given;
    const height = rowHeight();
    return {
      count: count(),
      getScrollElement: scroller,
      estimateSize: () => height,
      overscan: 4,
      ...(keyOf && { getItemKey: keyOf }),
      rangeExtractor: ({
        startIndex,
        endIndex,
        overscan,
        count,
      }: {
        startIndex: number;
        endIndex: number;
        overscan: number;
        count: number;
      }) => {
        const [from, to] = [Math.max(0, startIndex - overscan), Math.min(count - 1, endIndex + overscan)];
        const rows = Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
        const row = kept?.();
        if (row === undefined || row >= count || (row >= from && row <= to)) return rows;
        return row < from ? [row, ...rows] : [...rows, row];
      },
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => this.host.requestUpdate(),
    };
  }
}
