/** What a handle has beside its public methods: how its process ends, for those that wait for several. By its name, so that entries share it. */
export const OUTPUT: unique symbol = Symbol.for("longwait.output");
