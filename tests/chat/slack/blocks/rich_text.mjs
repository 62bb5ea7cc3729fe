// Rich text: the one block whose text is shown literally, which is why agents' words belong in it.
import { bool, integer, list, object, oneOf, string, typed } from './check.mjs';

const type = string();
const style = object({}, { bold: bool, italic: bool, strike: bool, code: bool, underline: bool, highlight: bool, client_highlight: bool, unlink: bool });

const text = object({ type, text: string({ min: 1 }) }, { style });
const link = object({ type, url: string({ min: 1 }) }, { text: string(), unsafe: bool, style });

const inline = typed({
  text,
  link,
  user: object({ type, user_id: string({ min: 1 }) }, { style }),
  channel: object({ type, channel_id: string({ min: 1 }) }, { style }),
  usergroup: object({ type, usergroup_id: string({ min: 1 }) }, { style }),
  broadcast: object({ type, range: oneOf('here', 'channel', 'everyone') }, { style }),
  emoji: object({ type, name: string({ min: 1 }) }, { unicode: string(), style, url: string() }),
  date: object({ type, timestamp: integer({ min: 0 }), format: string({ min: 1 }) }, { url: string(), fallback: string(), style }),
  color: object({ type, value: string({ min: 1 }) }, { style }),
});

const border = oneOf(0, 1);
const section = object({ type, elements: list(inline) });

const parts = typed({
  rich_text_section: section,
  rich_text_preformatted: object({ type, elements: list(typed({ text, link })) }, { border, language: string({ min: 1 }) }),
  rich_text_quote: object({ type, elements: list(inline) }, { border }),
  rich_text_list: object(
    { type, style: oneOf('bullet', 'ordered'), elements: list(typed({ rich_text_section: section })) },
    { indent: integer({ min: 0, max: 8 }), offset: integer({ min: 0 }), border },
  ),
});

/** A rich_text block. */
export const richText = object({ type, elements: list(parts, { min: 1 }) }, { block_id: string({ max: 255 }) });
