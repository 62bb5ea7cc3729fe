// The list of blocks in a message or a view: which blocks there are, how many, and which ids must differ.
import { all, bool, integer, list, object, Problems, string, typed } from './check.mjs';
import { accessory, actionElement, contextElement, inputElement } from './elements.mjs';
import { anyText, plainText } from './objects.mjs';
import { richText } from './rich_text.mjs';

/** The most bytes of JSON that the blocks of one message may have. */
export const MESSAGE_BYTES = 12_000;

const type = string();
const block_id = string({ min: 1, max: 255 });

const textOrFields = (value, pointer, problems) => {
  if (!Object.hasOwn(value, 'text') && !Object.hasOwn(value, 'fields')) {
    problems.add(pointer, 'must define either `text` or `fields`');
  }
};

const section = all(
  object({ type }, { block_id, text: anyText(3000), fields: list(anyText(2000), { min: 1, max: 10 }), accessory, expand: bool }),
  textOrFields,
);

const oneImage = (value, pointer, problems) => {
  const given = ['image_url', 'slack_file'].filter((name) => Object.hasOwn(value, name));
  if (given.length !== 1) problems.add(pointer, 'must define exactly one of `image_url` or `slack_file`');
};

const imageBlock = all(
  object(
    { type, alt_text: string({ min: 1, max: 2000 }) },
    { block_id, image_url: string({ min: 1, max: 3000 }), slack_file: object({}, { id: string(), url: string() }), title: plainText(2000) },
  ),
  oneImage,
);

const block = typed({
  section,
  image: imageBlock,
  rich_text: richText,
  header: object({ type, text: plainText(150) }, { block_id, level: integer({ min: 1, max: 4 }) }),
  divider: object({ type }, { block_id }),
  context: object({ type, elements: list(contextElement, { min: 1, max: 10 }) }, { block_id }),
  actions: object({ type, elements: list(actionElement, { min: 1, max: 25 }) }, { block_id }),
  input: object(
    { type, label: plainText(2000), element: inputElement },
    { block_id, hint: plainText(2000), optional: bool, dispatch_action: bool },
  ),
});

const seen = (problems, what) => {
  const before = new Set();
  return (value, pointer) => {
    if (typeof value !== 'string') return;
    if (before.has(value)) problems.add(pointer, `\`${what}\` "${value}" already exists`);
    before.add(value);
  };
};

/** The interactive elements of a block, each with its place in it. */
function interactiveOf(candidate) {
  if (candidate?.type === 'actions' && Array.isArray(candidate.elements)) {
    return candidate.elements.map((element, index) => [element, `/elements/${index}`]);
  }
  if (candidate?.type === 'section' && candidate.accessory) return [[candidate.accessory, '/accessory']];
  if (candidate?.type === 'input' && candidate.element) return [[candidate.element, '/element']];
  return [];
}

const uniqueIds = (blocks, pointer, problems) => {
  if (!Array.isArray(blocks)) return;
  const blockSeen = seen(problems, 'block_id');
  blocks.forEach((candidate, index) => {
    blockSeen(candidate?.block_id, `${pointer}/${index}/block_id`);
    const actionSeen = seen(problems, 'action_id');
    for (const [element, place] of interactiveOf(candidate)) {
      actionSeen(element?.action_id, `${pointer}/${index}${place}/action_id`);
    }
  });
};

/** A checker of a whole list of blocks: at most `max`, each known, ids unique. */
export const blockList = (max) => all(list(block, { max }), uniqueIds);

/** What is wrong with the blocks of a message, as Slack words it; empty when nothing is. */
export function messageProblems(blocks) {
  const problems = new Problems();
  blockList(50)(blocks, '/blocks', problems);
  return problems.texts();
}

/** Whether the blocks are larger than a message may be. */
export const tooLong = (blocks) => Buffer.byteLength(JSON.stringify(blocks)) > MESSAGE_BYTES;
