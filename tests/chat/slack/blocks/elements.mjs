// Block elements: what may stand in an actions block, beside a section, in an input block or in a context block.
import { bool, integer, list, object, oneOf, string, typed } from './check.mjs';
import { anyText, confirm, option, optionGroup, plainText } from './objects.mjs';

const type = string();
const actionId = string({ min: 1, max: 255 });
const common = { action_id: actionId, confirm, focus_on_load: bool };
const placeholder = plainText(150);

const button = object(
  { type, text: plainText(75) },
  {
    action_id: actionId,
    value: string({ max: 2000 }),
    url: string({ max: 3000 }),
    style: oneOf('primary', 'danger'),
    confirm,
    accessibility_label: string({ max: 75 }),
  },
);

const plainTextInput = object(
  { type },
  {
    action_id: actionId,
    initial_value: string({ max: 3000 }),
    multiline: bool,
    min_length: integer({ min: 0, max: 3000 }),
    max_length: integer({ min: 1, max: 3000 }),
    dispatch_action_config: object({}, { trigger_actions_on: list(oneOf('on_enter_pressed', 'on_character_entered'), { min: 1, max: 2 }) }),
    focus_on_load: bool,
    placeholder,
  },
);

const staticSelect = object(
  { type },
  { ...common, placeholder, options: list(option, { min: 1, max: 100 }), option_groups: list(optionGroup, { min: 1, max: 100 }), initial_option: option },
);

const checkboxes = object(
  { type, options: list(option, { min: 1, max: 10 }) },
  { ...common, initial_options: list(option, { min: 1, max: 10 }) },
);

const radioButtons = object({ type, options: list(option, { min: 1, max: 10 }) }, { ...common, initial_option: option });
const overflow = object({ type, options: list(option, { min: 1, max: 5 }) }, { action_id: actionId, confirm });
const usersSelect = object({ type }, { ...common, placeholder, initial_user: string() });

/** An image, as an element or as a block's content. */
export const image = object(
  { type, alt_text: string({ min: 1, max: 2000 }) },
  { image_url: string({ min: 1, max: 3000 }), slack_file: object({}, { id: string(), url: string() }) },
);

const interactive = {
  button,
  overflow,
  static_select: staticSelect,
  users_select: usersSelect,
  checkboxes,
  radio_buttons: radioButtons,
};

/** What an actions block holds. */
export const actionElement = typed(interactive);

/** What stands beside a section. */
export const accessory = typed({ ...interactive, image });

/** What an input block holds. */
export const inputElement = typed({
  plain_text_input: plainTextInput,
  static_select: staticSelect,
  users_select: usersSelect,
  checkboxes,
  radio_buttons: radioButtons,
});

const contextText = anyText(3000);

/** What a context block holds. */
export const contextElement = (value, pointer, problems) =>
  value?.type === 'image' ? image(value, pointer, problems) : contextText(value, pointer, problems);
