// What the stand-in says of blocks and views: each limit at its last good and first bad value.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageProblems, tooLong } from '../slack/blocks/blocks.mjs';
import { viewProblems } from '../slack/blocks/view.mjs';
import { sampleBlocks } from './card.mjs';

const x = (length) => 'x'.repeat(length);
const plain = (text) => ({ type: 'plain_text', text });
const mrkdwn = (text) => ({ type: 'mrkdwn', text });
const section = (text) => ({ type: 'section', text: mrkdwn(text) });
const fields = (count, length) => ({ type: 'section', fields: Array.from({ length: count }, () => mrkdwn(x(length))) });
const header = (length) => ({ type: 'header', text: plain(x(length)) });
const actions = (...elements) => ({ type: 'actions', elements });
const button = (extra = {}) => ({ type: 'button', text: plain('Go'), action_id: 'go', ...extra });
const confirm = (text) => ({ title: plain('Sure?'), text: plain(text), confirm: plain('Yes'), deny: plain('No') });
const rich = (...elements) => ({ type: 'rich_text', elements });
const preformatted = (text) => ({ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] });
const input = (extra = {}) => ({ type: 'input', label: plain('Why'), element: { type: 'plain_text_input', action_id: 'text', multiline: true }, ...extra });
const without = (value, name) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));

/** `expect` is the first problem, or null for none. */
function check(name, blocks, expect) {
  test(`blocks: ${name}`, () => assert.equal(messageProblems(blocks)[0] ?? null, expect));
}

const schemas = (pointer) => `failed to match all allowed schemas [json-pointer:${pointer}]`;

check('the sample card', sampleBlocks('req_1'), null);
check('50 blocks', Array.from({ length: 50 }, () => ({ type: 'divider' })), null);
check('51 blocks', Array.from({ length: 51 }, () => ({ type: 'divider' })), 'no more than 50 items allowed [json-pointer:/blocks]');
check('a block of no known type', [{ type: 'carpet' }], 'unsupported type: carpet [json-pointer:/blocks/0/type]');
check('a block without type', [{ text: plain('x') }], 'missing required field: type [json-pointer:/blocks/0]');
check('a block that is a string', ['x'], 'must provide an object [json-pointer:/blocks/0]');
check('section text 3000', [section(x(3000))], null);
check('section text 3001', [section(x(3001))], schemas('/blocks/0/text'));
check('section text empty', [section('')], schemas('/blocks/0/text'));
check('section without text and fields', [{ type: 'section' }], 'must define either `text` or `fields` [json-pointer:/blocks/0]');
check('10 fields of 2000', [fields(10, 2000)], null);
check('11 fields', [fields(11, 1)], 'no more than 10 items allowed [json-pointer:/blocks/0/fields]');
check('a field of 2001', [fields(1, 2001)], schemas('/blocks/0/fields/0'));
check('header 150', [header(150)], null);
check('header 151', [header(151)], schemas('/blocks/0/text'));
check('header in mrkdwn', [{ type: 'header', text: mrkdwn('x') }], schemas('/blocks/0/text'));
check('emoji flag on mrkdwn', [{ type: 'section', text: { ...mrkdwn('x'), emoji: true } }], schemas('/blocks/0/text'));
check('a field that is null', [{ ...section('x'), accessory: null }], 'must provide an object [json-pointer:/blocks/0/accessory]');
check('an unknown field', [{ ...section('x'), colour: 'red' }], 'invalid additional property: colour [json-pointer:/blocks/0]');
check('actions without elements', [actions()], 'no less than 1 items allowed [json-pointer:/blocks/0/elements]');
check('26 buttons', [actions(...Array.from({ length: 26 }, (_, n) => button({ action_id: `a${n}` })))], 'no more than 25 items allowed [json-pointer:/blocks/0/elements]');
check('button text 75', [actions(button({ text: plain(x(75)) }))], null);
check('button text 76', [actions(button({ text: plain(x(76)) }))], schemas('/blocks/0/elements/0/text'));
check('button text in mrkdwn', [actions(button({ text: mrkdwn('x') }))], schemas('/blocks/0/elements/0/text'));
check('button without text', [actions(without(button(), 'text'))], 'missing required field: text [json-pointer:/blocks/0/elements/0]');
check('button value 2000', [actions(button({ value: x(2000) }))], null);
check('button value 2001', [actions(button({ value: x(2001) }))], 'must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]');
check('button style', [actions(button({ style: 'loud' }))], 'must be a valid enum value [json-pointer:/blocks/0/elements/0/style]');
check('action_id 255', [actions(button({ action_id: x(255) }))], null);
check('action_id 256', [actions(button({ action_id: x(256) }))], 'must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]');
check('the same action_id twice in a block', [actions(button(), button())], '`action_id` "go" already exists [json-pointer:/blocks/0/elements/1/action_id]');
check('the same action_id in two blocks', [actions(button()), actions(button())], null);
check('the same block_id twice', [{ type: 'divider', block_id: 'b' }, { type: 'divider', block_id: 'b' }], '`block_id` "b" already exists [json-pointer:/blocks/1/block_id]');
check('confirm text 300', [actions(button({ confirm: confirm(x(300)) }))], null);
check('confirm text 301', [actions(button({ confirm: confirm(x(301)) }))], schemas('/blocks/0/elements/0/confirm/text'));
check('confirm without deny', [actions(button({ confirm: without(confirm('x'), 'deny') }))], 'missing required field: deny [json-pointer:/blocks/0/elements/0/confirm]');
check('a text input among the buttons', [actions({ type: 'plain_text_input', action_id: 't' })], 'unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]');
check('context', [{ type: 'context', elements: [mrkdwn('x'), plain('y')] }], null);
check('11 elements in a context', [{ type: 'context', elements: Array.from({ length: 11 }, () => plain('y')) }], 'no more than 10 items allowed [json-pointer:/blocks/0/elements]');
check('preformatted', [rich(preformatted('<b>*x*'))], null);
check('preformatted, empty text', [rich(preformatted(''))], 'must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]');
check('preformatted with a mention', [rich({ type: 'rich_text_preformatted', elements: [{ type: 'user', user_id: 'U1' }] })], 'unsupported type: user [json-pointer:/blocks/0/elements/0/elements/0/type]');
check('rich text straight in the block', [rich({ type: 'text', text: 'x' })], 'unsupported type: text [json-pointer:/blocks/0/elements/0/type]');
check('rich text without elements', [rich()], 'no less than 1 items allowed [json-pointer:/blocks/0/elements]');
check('input block', [input()], null);
check('image with two sources', [{ type: 'image', alt_text: 'a', image_url: 'https://x', slack_file: { id: 'F1' } }], 'must define exactly one of `image_url` or `slack_file` [json-pointer:/blocks/0]');

test('blocks: both words for a text that is too long', () => {
  assert.deepEqual(messageProblems([section(x(3001))]), [schemas('/blocks/0/text'), 'must be less than 3001 characters [json-pointer:/blocks/0/text/text]']);
});

test('blocks: 12,000 bytes and one more', () => {
  const padding = 12_000 - JSON.stringify([rich(preformatted(''))]).length;
  assert.equal(tooLong([rich(preformatted(x(padding)))]), false);
  assert.equal(tooLong([rich(preformatted(x(padding + 1)))]), true);
  assert.equal(tooLong([rich(preformatted(x(padding - 1) + 'é'))]), true, 'bytes, not characters');
});

const modal = (extra = {}) => ({ type: 'modal', title: plain('Why?'), submit: plain('Send'), blocks: [input({ block_id: 'q' })], ...extra });

function checkView(name, view, expect) {
  test(`view: ${name}`, () => assert.equal(viewProblems(view)[0] ?? null, expect));
}

checkView('a modal', modal(), null);
checkView('title 24', modal({ title: plain(x(24)) }), null);
checkView('title 25', modal({ title: plain(x(25)) }), schemas('/view/title'));
checkView('no title', without(modal(), 'title'), 'missing required field: title [json-pointer:/view]');
checkView('private_metadata 3000', modal({ private_metadata: x(3000) }), null);
checkView('private_metadata 3001', modal({ private_metadata: x(3001) }), 'must be less than 3001 characters [json-pointer:/view/private_metadata]');
checkView('input without submit', without(modal(), 'submit'), 'missing required field: submit [json-pointer:/view]');
checkView('100 blocks', modal({ blocks: Array.from({ length: 100 }, () => ({ type: 'divider' })) }), null);
checkView('101 blocks', modal({ blocks: Array.from({ length: 101 }, () => ({ type: 'divider' })) }), 'no more than 100 items allowed [json-pointer:/view/blocks]');
checkView('an unknown field', modal({ submit_disabled: true }), 'invalid additional property: submit_disabled [json-pointer:/view]');
checkView('label in mrkdwn', modal({ blocks: [input({ label: mrkdwn('x') })] }), schemas('/view/blocks/0/label'));
checkView('another type', modal({ type: 'drawer' }), 'unsupported type: drawer [json-pointer:/view/type]');
