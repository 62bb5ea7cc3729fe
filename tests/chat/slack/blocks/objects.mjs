// Composition objects: text, confirm dialog, options.
import { anySchema, bool, list, object, oneOf, string, typed } from './check.mjs';

const type = string();

/** `plain_text` of at most `max` characters. */
export const plainText = (max, min = 1) =>
  anySchema(typed({ plain_text: object({ type, text: string({ min, max }) }, { emoji: bool }) }));

/** `plain_text` or `mrkdwn` of at most `max` characters. */
export const anyText = (max) =>
  anySchema(
    typed({
      plain_text: object({ type, text: string({ min: 1, max }) }, { emoji: bool }),
      mrkdwn: object({ type, text: string({ min: 1, max }) }, { verbatim: bool }),
    }),
  );

/** A confirm dialog: title 100, text 300, buttons 30 characters. */
export const confirm = object(
  { title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
  { style: oneOf('primary', 'danger') },
);

/** An option of a menu, of checkboxes or of radio buttons. */
export const option = object(
  { text: anyText(75), value: string({ min: 1, max: 150 }) },
  { description: anyText(75), url: string({ max: 3000 }) },
);

/** A group of options. */
export const optionGroup = object({ label: plainText(75), options: list(option, { min: 1, max: 100 }) });
