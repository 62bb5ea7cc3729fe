// Loads users.json: who and what is in the stand-in workspace before a test does anything.
import { readFileSync } from 'node:fs';

/** The parsed fixture file. */
export const fixtures = JSON.parse(readFileSync(new URL('../users.json', import.meta.url), 'utf8'));

/** The e-mail address that a fixture user has, in chat and at sign-in alike. */
export const emailOf = (name) => `${name}@counter.example`;

/** People (accounts at sign-in): id, name and e-mail. */
export const people = fixtures.people.map((id) => {
  const user = fixtures.users.find((candidate) => candidate.name === id);
  return { id, name: user.real_name, email: emailOf(id), slack: user.id };
});
