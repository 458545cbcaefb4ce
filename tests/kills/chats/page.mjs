/** What the tests run inside of a page. Each is sent there as text: see tests/tabs/page.mjs. */

export const open = async ({ name, tab, chats }) => {
  const app = await import("/chats.js");
  await app.open({ name, tab, ran: globalThis.ran });
  Object.assign(globalThis, { app });
  await Promise.all(chats.map(app.read));
};

export const begin = (plans) => Promise.all(plans.map((plan) => globalThis.app.begin(plan)));

export const answer = (id) => globalThis.transport.answerApproval({ id, approved: true });

export const ended = (ids) => Promise.all(ids.map((id) => globalThis.app.ended(id)));
