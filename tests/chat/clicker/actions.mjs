// What the scripted reviewer can do, and when it is done. Shared by the two ways of doing it.

const ACTIONS = { approve: 'approve', reject: 'reject', ask: 'request_info' };

/** The action_id of the button to press; any other word is taken as an action_id itself. */
export const actionIdOf = (word) => ACTIONS[word] ?? word;

/** How long to wait for a message that may follow an ephemeral answer, in ms. */
export const GRACE_MS = 600;

/** Something that a person would see and stop at. */
export class Stuck extends Error {}
