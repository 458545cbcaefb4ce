/**
 * longwait for Vue 3: {@link provideRegistry} in a component above, {@link useObserved} in those that show what is stored.
 *
 * @module
 */
import { computed, inject, provide, shallowRef, toValue, watch } from "vue";
import type { InjectionKey, MaybeRefOrGetter, Ref } from "vue";
import { keyOfQuery, loadingOf, observed, type AnySnapshot } from "../observe/observe.js";
import { ABSENT } from "../observe/snapshots.js";
import type { Observed, Query, RegistrySource, Snapshot } from "../types/observe.js";

export type * from "../types/observe.js";

const SOURCE: InjectionKey<RegistrySource | undefined> = Symbol("longwait");

/** Gives the components below a registry, or the promise of one. It is the caller's to close. `undefined`, as on a server, is shown as loading. */
export function provideRegistry(source: RegistrySource | undefined): void {
  provide(SOURCE, source);
}

/** The registry that the nearest component above provides, or the promise of it. */
export function useRegistry(): RegistrySource | undefined {
  return inject(SOURCE, undefined);
}

/**
 * What a query finds, as it changes in any tab. The query may be a getter or a ref; while it is `undefined`, the answer is absent. Reads from the
 * registry that a component above provides, unless one is given. Ends with the component.
 */
export function useObserved<const Q extends Query>(query: MaybeRefOrGetter<Q>, source?: RegistrySource): Readonly<Ref<Observed<Q>>>;
export function useObserved<const Q extends Query>(
  query: MaybeRefOrGetter<Q | undefined>,
  source?: RegistrySource,
): Readonly<Ref<Observed<Q> | Extract<Snapshot<never>, { status: "absent" }>>>;
export function useObserved(query: MaybeRefOrGetter<Query | undefined>, source = useRegistry()): Readonly<Ref<object>> {
  const shown = shallowRef<AnySnapshot>(ABSENT);
  const key = computed(() => {
    const of = toValue(query);
    return of && keyOfQuery(of);
  });
  watch(
    key,
    (key, _, onCleanup) => {
      const of = toValue(query);
      if (key === undefined || of === undefined) return void (shown.value = ABSENT);
      if (source === undefined || typeof document === "undefined") return void (shown.value = loadingOf(of));
      const { subscribe, getSnapshot } = observed(source, key);
      const show = () => void (shown.value = getSnapshot());
      onCleanup(subscribe(show));
      show();
    },
    { immediate: true, flush: "sync" },
  );
  return shown;
}
