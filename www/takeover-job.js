/** The job that the takeover page shows: what it is, and what its events say. Shared by the page and its runners. */

export const STEPS = 24;

/** What starts it. Registering it again, in any tab, finds it started. */
export const registration = (id) => ({
  id,
  input: { type: "external", metadata: { title: `A job of ${STEPS} steps` } },
  eventTypes: [{ name: "taken" }, { name: "step" }],
});

/** How long a lease is, in milliseconds: short, so that a takeover is soon even where no death can be proven. */
export const LEASE_MS = 6_000;

export const fresh = () => `takeover-${Date.now().toString(36)}`;
