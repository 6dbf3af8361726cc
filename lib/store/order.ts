/** Keys in byte order: a tree of pages, touched only when a key appears or goes. */

import { assert, fail } from "../base/assert.ts";
import { Page, PAGE_BYTES_MAX } from "./page.ts";
import { KeyBuffer, type Span } from "./span.ts";

/** A leaf that has less is joined with a neighbour, if both fit into this much. */
const JOINED_BYTES_MIN = PAGE_BYTES_MAX / 4;
const JOINED_BYTES_MAX = PAGE_BYTES_MAX * 3 / 4;
/** Pages above the leaves for ten thousand million keys, which a split may go through. */
const LEVELS_MAX = 5;

/**
 * A set of byte strings, each with its rank. Leaves hold the keys; the pages above hold what parts two neighbours, shortened to the
 * first byte in which they differ, and know the number of keys below each child.
 *
 * Invariants: no leaf is empty but the only one; leaves are linked in order; `total` of a page is the number of keys in the leaves below it.
 */
export class Order {
  #root = new Page();
  #changes = 0;
  #used = 0;
  #capacity = this.#root.bytes.length;
  /** The page that a split has put behind the one it was asked for, and what parts the two. */
  #behind: Page | undefined = undefined;
  readonly #separator = new KeyBuffer();
  readonly #last = new KeyBuffer();
  readonly #first = new KeyBuffer();

  /** Number of keys. */
  get size(): number {
    return this.#root.total;
  }

  /** The page at the top; for cursors. */
  get root(): Page {
    return this.#root;
  }

  /** Number of changes, by which a cursor knows that it is out of date. */
  get changes(): number {
    return this.#changes;
  }

  /** Bytes of the keys, in what pages hold of them. */
  get used(): number {
    return this.#used;
  }

  /** Bytes of the pages. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes by which a further key of this length may let the pages grow. */
  growthOf(keyBytes: number): number {
    return (LEVELS_MAX + 1) * (2 * PAGE_BYTES_MAX + 4 * keyBytes);
  }

  /** Adds a key; whether it was not there. */
  add(key: Span): boolean {
    if (this.#append(key)) return true;
    if (!this.#add(this.#root, key)) return false;
    this.#changes += 1;
    if (this.#behind === undefined) return true;
    const root = new Page();
    root.children = [this.#root, this.#behind];
    root.insert(0, this.#separator);
    root.total = this.#root.total + this.#behind.total;
    this.#root = root;
    this.#account(root, 1);
    this.#behind = undefined;
    return true;
  }

  /** The leaf in which a key is or would be, and its place there as `Page.find` tells it. */
  locate(key: Span): { readonly leaf: Page; readonly at: number } {
    let page = this.#root;
    let at = page.find(key);
    while (page.children !== undefined) {
      page = page.children[childOf(at)] ?? fail("Cannot go down: the page has no such child");
      at = page.find(key);
    }
    return { leaf: page, at };
  }

  /** Removes a key; whether it was there. */
  remove(key: Span): boolean {
    if (!this.#remove(this.#root, key)) return false;
    this.#changes += 1;
    if (this.#root.total === 0) this.clear();
    for (let only = onlyChild(this.#root); only !== undefined; only = onlyChild(this.#root)) {
      this.#account(this.#root, -1);
      this.#root = only;
    }
    return true;
  }

  /** Removes all keys. */
  clear(): void {
    this.#root = new Page();
    this.#changes += 1;
    this.#used = 0;
    this.#capacity = this.#root.bytes.length;
  }

  /** Adds a key behind all others where the last leaf has room: keys that come in order need no search. Whether it did. */
  #append(key: Span): boolean {
    let leaf = this.#root;
    while (leaf.children !== undefined) leaf = leaf.children[leaf.children.length - 1] ?? leaf;
    if (!leaf.endsBefore(key) || !leaf.hasRoom(leaf.count, key)) return false;
    this.#account(leaf, -1);
    leaf.insert(leaf.count, key);
    this.#account(leaf, 1);
    for (let above = this.#root; above !== leaf; above = above.children?.[above.children.length - 1] ?? leaf) {
      above.total += 1;
    }
    leaf.total = leaf.count;
    this.#changes += 1;
    return true;
  }

  #add(page: Page, key: Span): boolean {
    const found = page.find(key);
    const { children } = page;
    if (children === undefined) {
      if (found >= 0) return false;
      this.#addToLeaf(page, ~found, key);
      return true;
    }
    const at = childOf(found);
    const child = children[at];
    if (child === undefined || !this.#add(child, key)) return false;
    page.total += 1;
    if (this.#behind !== undefined) this.#adopt(page, at);
    return true;
  }

  #addToLeaf(leaf: Page, at: number, key: Span): void {
    this.#account(leaf, -1);
    if (leaf.hasRoom(at, key)) leaf.insert(at, key);
    else {
      const behind = new Page();
      // Behind the last key, and before the first, a page of its own: keys that come in order leave full pages behind.
      const middle = at === leaf.count || at === 0 ? at : leaf.count >>> 1;
      if (middle < leaf.count) leaf.split(middle, behind);
      if (at <= middle && at > 0 && middle !== at || at === 0) leaf.insert(at, key);
      else behind.insert(at - middle, key);
      link(leaf, behind);
      behind.total = behind.count;
      this.#account(behind, 1);
      this.#part(leaf, behind);
      this.#behind = behind;
    }
    leaf.total = leaf.count;
    this.#account(leaf, 1);
  }

  /** Takes in the page that a split put behind child `at`. */
  #adopt(page: Page, at: number): void {
    const { children, count } = page;
    const behind = this.#behind;
    if (children === undefined || behind === undefined) return;
    this.#behind = undefined;
    this.#account(page, -1);
    if (page.hasRoom(at, this.#separator)) {
      page.insert(at, this.#separator);
      children.splice(at + 1, 0, behind);
    } else {
      const upper = new Page();
      if (at === count || at === 0) {
        // The new separator itself parts the halves.
        if (at === 0) page.split(0, upper);
        upper.children = [behind, ...children.splice(at + 1)];
      } else {
        const middle = count >>> 1;
        page.read(middle, this.#first);
        page.split(middle, upper);
        upper.remove(0);
        upper.children = children.splice(middle + 1);
        const [half, place] = at <= middle ? [page, at] : [upper, at - middle - 1];
        half.insert(place, this.#separator);
        half.children?.splice(place + 1, 0, behind);
        this.#separator.hold(this.#first);
      }
      page.total = totalOf(children);
      upper.total = totalOf(upper.children);
      this.#account(upper, 1);
      this.#behind = upper;
    }
    this.#account(page, 1);
  }

  #remove(page: Page, key: Span): boolean {
    const found = page.find(key);
    const { children } = page;
    if (children === undefined) {
      if (found < 0) return false;
      this.#account(page, -1);
      page.remove(found);
      page.total -= 1;
      this.#account(page, 1);
      return true;
    }
    const at = childOf(found);
    const child = children[at];
    if (child === undefined || !this.#remove(child, key)) return false;
    page.total -= 1;
    if (child.total === 0) this.#drop(page, at);
    else if (child.children === undefined && child.used < JOINED_BYTES_MIN && children.length > 1) {
      this.#join(page, at < children.length - 1 ? at : at - 1);
    }
    return true;
  }

  /** Takes out child `at`, whose keys are gone or elsewhere. */
  #drop(page: Page, at: number): void {
    const [child] = page.children?.splice(at, 1) ?? [];
    if (child === undefined) return;
    unlink(child);
    this.#account(child, -1);
    this.#account(page, -1);
    if (page.count > 0) page.remove(Math.max(0, at - 1));
    this.#account(page, 1);
  }

  /** Joins child `at` with the one behind it if they are small enough. */
  #join(page: Page, at: number): void {
    const child = page.children?.[at];
    const behind = page.children?.[at + 1];
    if (child === undefined || behind === undefined) return;
    this.#account(child, -1);
    const isJoined = child.absorb(behind, JOINED_BYTES_MAX);
    child.total = child.count;
    this.#account(child, 1);
    if (isJoined) this.#drop(page, at + 1);
  }

  /** Finds the shortest bytes that come behind all of one leaf and before or at the first of the next. */
  #part(leaf: Page, behind: Page): void {
    leaf.read(leaf.count - 1, this.#last);
    behind.read(0, this.#first);
    let length = 0;
    while (length < this.#last.length && this.#last.bytes[length] === this.#first.bytes[length]) length++;
    this.#first.resize(length + 1);
    this.#separator.hold(this.#first);
  }

  #account(page: Page, sign: 1 | -1): void {
    this.#used += sign * page.used;
    this.#capacity += sign * page.bytes.length;
  }
}

/** A place in an order, which holds until the next change of it. `key` is a copy, and stays. */
export class OrderCursor {
  readonly key = new KeyBuffer();
  readonly #order: Order;
  #leaf: Page | undefined = undefined;
  #at = 0;
  #changes = -1;

  constructor(order: Order) {
    this.#order = order;
  }

  /** Goes to the first key at or behind `key`; false when there is none. */
  seek(key: Span): boolean {
    this.#descend(key);
    return this.#settle();
  }

  /** Goes to the last key before `key`; false when there is none. */
  seekBefore(key: Span): boolean {
    this.#descend(key);
    this.#at -= 1;
    return this.#settle();
  }

  /** Goes to the key with so many before it; false when there are no more than that. */
  seekRank(rank: number): boolean {
    let page = this.#order.root;
    let left = rank;
    if (rank < 0 || rank >= page.total) return false;
    while (page.children !== undefined) {
      let next = page;
      for (const child of page.children) {
        next = child;
        if (left < child.total) break;
        left -= child.total;
      }
      page = next;
    }
    this.#leaf = page;
    this.#at = left;
    this.#changes = this.#order.changes;
    return this.#settle();
  }

  /** Goes to the next key; false behind the last one. */
  next(): boolean {
    this.#at += 1;
    return this.#settle();
  }

  /** Goes to the previous key; false before the first one. */
  previous(): boolean {
    this.#at -= 1;
    return this.#settle();
  }

  #descend(key: Span): void {
    let page = this.#order.root;
    let found = page.find(key);
    while (page.children !== undefined) {
      page = page.children[childOf(found)] ?? page;
      found = page.find(key);
    }
    this.#leaf = page;
    this.#at = found < 0 ? ~found : found;
    this.#changes = this.#order.changes;
  }

  /** Goes to the neighbouring leaf where it is beyond the end of one, and reads the key. */
  #settle(): boolean {
    assert(this.#changes === this.#order.changes, "Cannot go on from a key: keys have come or gone since");
    if (this.#leaf !== undefined && this.#at === this.#leaf.count) {
      this.#leaf = this.#leaf.next;
      this.#at = 0;
    } else if (this.#leaf !== undefined && this.#at < 0) {
      this.#leaf = this.#leaf.previous;
      this.#at = (this.#leaf?.count ?? 0) - 1;
    }
    if (this.#leaf === undefined || this.#leaf.count === 0) return false;
    this.#leaf.read(this.#at, this.key);
    return true;
  }
}

/** The child to go to for a key that `find` found or did not find among those that part them. */
function childOf(found: number): number {
  return found < 0 ? ~found : found + 1;
}

function onlyChild({ children }: Page): Page | undefined {
  return children?.length === 1 ? children[0] : undefined;
}

function totalOf(children: readonly Page[]): number {
  let total = 0;
  for (const child of children) total += child.total;
  return total;
}

function link(leaf: Page, behind: Page): void {
  behind.previous = leaf;
  behind.next = leaf.next;
  if (leaf.next !== undefined) leaf.next.previous = behind;
  leaf.next = behind;
}

function unlink({ previous, next }: Page): void {
  if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
}
