/**
 * Readers turn parsed JSON of unknown make into values of known types, or throw BadMessage.
 * Only fields that are named are taken, into objects without a prototype and into Maps.
 */

export class BadMessage extends Error {}

function refuse(why) {
  throw new BadMessage(why);
}

export const anything = (value) => value;

export const number = (value) =>
  typeof value === "number" && Number.isFinite(value) ? value : refuse("no number");

export const bool = (value) =>
  typeof value === "boolean" ? value : refuse("neither true nor false");

export const text = (most) => (value) =>
  typeof value === "string" && value.length <= most ? value : refuse(`no text of up to ${most}`);

/** A word for programs, such as "heel_lift"; new ones may come. */
export const word = (value) =>
  typeof value === "string" && /^[a-z0-9_]{1,64}$/.test(value) ? value : refuse("no word");

/** Of hubs, runners and pods. */
export const id = (value) =>
  typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : refuse("no id");

export const oneOf =
  (...choices) =>
  (value) =>
    choices.includes(value) ? value : refuse(`none of ${choices}`);

export const side = oneOf("left", "right");

/** null where there is none. */
export const maybe = (read) => (value) =>
  value === null || value === undefined ? null : read(value);

export const list = (read, most) => (value) =>
  Array.isArray(value) && value.length <= most
    ? value.map((item) => read(item))
    : refuse(`no list of up to ${most}`);

function fields(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value
    : refuse("no object");
}

export const mapOf = (readKey, read, most) => (value) => {
  const entries = Object.entries(fields(value));
  if (entries.length > most) refuse(`more than ${most} entries`);
  return new Map(entries.map(([key, item]) => [readKey(key), read(item)]));
};

export const record = (readers) => {
  const names = Object.entries(readers);
  return (value) => {
    const given = fields(value);
    const taken = Object.create(null);
    for (const [name, read] of names) {
      taken[name] = inField(name, read, Object.hasOwn(given, name) ? given[name] : undefined);
    }
    return taken;
  };
};

function inField(name, read, value) {
  try {
    return read(value);
  } catch (error) {
    throw error instanceof BadMessage ? new BadMessage(`${name}: ${error.message}`) : error;
  }
}
