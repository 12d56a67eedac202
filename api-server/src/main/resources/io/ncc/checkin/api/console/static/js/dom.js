// Building and patching the page. Text only ever becomes a text node, so nothing that comes from the data becomes
// markup.

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'g', 'circle', 'line', 'path', 'rect', 'text', 'title', 'polyline']);

/**
 * Makes an element: `h('a', {href: '#/'}, 'Overview')`. Properties are `on…` for listeners, `data` for data attributes,
 * and else attributes, of which false and null are left out. Children are nodes, text, or arrays of them.
 */
export function h(tag, properties = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (name === 'data') {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  const isThere = (child) => child !== null && child !== undefined && child !== false;
  element.append(...children.flat(Infinity).filter(isThere));
  return element;
}

export function button(label, onclick, properties = {}) {
  return h('button', {type: 'button', onclick, ...properties}, label);
}

/** Buttons of which one is pressed. */
export function choice(label, ...buttons) {
  return h('div', {class: 'choice', role: 'group', 'aria-label': label}, buttons);
}

/** Presses one of the buttons of a choice. */
export function press(pressed) {
  [...pressed.parentElement.children].forEach((each) => setAttribute(each, 'aria-pressed', String(each === pressed)));
}

/** Sets the text of an element, and touches nothing if it is that already. */
export function setText(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) {
    element.textContent = wanted;
  }
}

/** Sets an attribute, or removes it if the value is null or false. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value === true ? '' : value);
  }
}

/**
 * Makes the children of `parent` those of `items`, in their order. An item whose key was there keeps its element, which
 * is moved only if it stands elsewhere; so focus, hover and selection survive.
 *
 * @param key of an item: a string, unique among the items
 * @param create makes the element of an item
 * @param update brings the element of an item up to date; also called after `create`
 */
export function patch(parent, items, key, create, update = () => {}) {
  const wanted = new Set(items.map(key));
  const kept = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.patchKey)) {
      kept.set(child.patchKey, child);
    } else {
      child.remove();
    }
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    let element = kept.get(key(item));
    if (!element) {
      element = create(item);
      element.patchKey = key(item);
    }
    update(element, item);
    if (element === place) {
      place = place.nextElementSibling;
    } else {
      parent.insertBefore(element, place);
    }
  }
}

/**
 * Tells whether rows of a list must stay where they are: while the pointer is over it, something in it has the focus,
 * or it was touched just now.
 *
 * @param released called when they may move again
 */
export function holdWhileUsed(list, released) {
  let over = false;
  let touched = 0;
  const focused = () => list.contains(document.activeElement);
  const held = () => over || focused() || Date.now() - touched < 3000;
  const release = () => setTimeout(() => held() || released(), 0);
  list.addEventListener('pointerover', (event) => {
    over = event.pointerType !== 'touch';
  });
  list.addEventListener('pointerleave', () => {
    over = false;
    release();
  });
  list.addEventListener('pointerdown', () => {
    touched = Date.now();
    setTimeout(release, 3100);
  });
  list.addEventListener('focusout', release);
  return held;
}

/**
 * A table, which scrolls by itself if it is too wide.
 *
 * @param headings of the columns; # before those of numbers
 * @param body its <tbody>
 * @param name a class
 */
export function table(caption, headings, body, name = '') {
  const columns = headings.map((heading) =>
    h('th', {scope: 'col', class: heading.startsWith('#') ? 'number' : null}, heading.replace('#', '')));
  return h('div', {class: `scroll ${name}`, tabindex: '0', role: 'group', 'aria-label': caption},
    h('table', {}, h('caption', {class: 'unseen'}, caption), h('thead', {}, h('tr', {}, columns)), body));
}

/** The cell of a table that names its row. */
export function rowHeading(...content) {
  return h('th', {scope: 'row'}, content);
}

/** A cell of a table for a number. */
export function numberCell(text = '') {
  return h('td', {class: 'number'}, text);
}

/** Sets the texts of the cells of a row that come after its heading. */
export function setCells(row, texts) {
  texts.forEach((text, i) => setText(row.children[i + 1], text));
}

/** What moves is still if the visitor wants less motion. */
export function motionReduced() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** The colour that a variable of the style sheet holds now, for a canvas: `rgb(…)`, or `rgba(…)` with an opacity. */
export function colorOf(variable, opacity = 1) {
  const probe = document.createElement('i');
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return opacity === 1 ? color : color.replace('rgb(', 'rgba(').replace(')', `, ${opacity})`);
}
