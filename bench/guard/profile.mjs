// Reads what callgrind writes: the instructions of one part of a profile, in all and in one object file, and the functions outside that the
// object file calls. The format is in valgrind's manual, "Callgrind Format Specification".

/**
 * @typedef {object} Profile
 * @property {string} trigger why the part ended
 * @property {number} total instructions in all
 * @property {number} own instructions in the object file
 * @property {Map<string, number>} calls how often the object file called a function of another one, by its name
 */

/** Numbers in parentheses stand for names; a name is behind its first occurrence. */
class Names {
  #known = new Map();

  /** @param {string} text `(3)`, or `(3) name` */
  read(text) {
    const [, id, name] = /^(\(\d+\))?\s*(.*)$/.exec(text) ?? [];
    if (id === undefined) return name;
    if (name) this.#known.set(id, name);
    return this.#known.get(id) ?? '';
  }
}

/**
 * Reads one part.
 * @param {string} text
 * @param {string} file the end of the object file's name
 * @returns {Profile}
 */
export function read_profile(text, file) {
  const objects = new Names();
  const functions = new Names();
  const profile = { trigger: '', total: 0, own: 0, calls: new Map() };
  let object = '';
  let called_object = '';
  let called = '';
  let is_call = false;
  for (const line of text.split('\n')) {
    const [, key, value = ''] = /^([a-z]+)[=:] ?(.*)$/.exec(line) ?? [];
    if (key === 'ob') object = called_object = objects.read(value);
    else if (key === 'fn') functions.read(value);
    else if (key === 'cob') called_object = objects.read(value);
    else if (key === 'cfn') called = functions.read(value);
    else if (key === 'desc' && value.startsWith('Trigger: ')) profile.trigger = value.slice(9);
    else if (key === 'calls') {
      is_call = true;
      if (object.endsWith(file) && called_object !== object) {
        profile.calls.set(called, (profile.calls.get(called) ?? 0) + Number.parseInt(value, 10));
      }
      called_object = object;
    } else if (/^[\d+*-]/.test(line)) {
      // The line behind calls= has the cost of the called function, which has lines of its own.
      const cost = is_call ? 0 : Number(line.split(' ')[1] ?? 0);
      is_call = false;
      profile.total += cost;
      if (object.endsWith(file)) profile.own += cost;
    }
  }
  return profile;
}
