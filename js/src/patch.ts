/** The one place that patches: wrappers of methods, put on an object or a prototype, and taken off again. */
import { guarded } from "./guard.ts";

// biome-ignore lint/suspicious/noExplicitAny: functions of an SDK's, of which nothing is known
export type Method = (this: any, ...args: any[]) => any;
type Undo = { name: string; put: PropertyDescriptor; before: PropertyDescriptor | undefined };

const wrappers = new WeakSet<object>();
// By target, which is not kept alive: clients may be made for every request, and their methods refer to them.
const undos = new WeakMap<object, Undo[]>();
const targets = new Set<WeakRef<object>>();
const gone = new FinalizationRegistry<WeakRef<object>>((target) => targets.delete(target));

/** Wrap a method, unless it is wrapped already, here or on the prototype. */
export function wrap(target: object, name: string, make: (original: Method) => Method): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function" || wrappers.has(original)) return;
  const before = Object.getOwnPropertyDescriptor(target, name);
  if (before && !before.configurable) return;
  const value = make(original as Method);
  for (const property of ["name", "length"]) {
    Object.defineProperty(value, property, { value: Reflect.get(original, property), configurable: true });
  }
  wrappers.add(value);
  put(target, name, { value, writable: true, configurable: true, enumerable: before?.enumerable ?? false }, before);
}

/** Do something with an object when the constructor of its owner assigns it; the property becomes the owner's own. */
export function onAssign(prototype: object, name: string, found: (owner: object, value: object) => void): void {
  if (Object.hasOwn(prototype, name)) return;
  const assigned = {
    configurable: true,
    get: () => undefined,
    set(this: object, value: object) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true });
      attempt(() => found(this, value));
    },
  };
  put(prototype, name, assigned, undefined);
}

/** Do something with what a getter returns, on one object; the getter may be its prototype's. */
export function onGet(target: object, name: string, found: (value: object) => void): void {
  let owner: object | null = target;
  while (owner && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner);
  const inherited = owner && Object.getOwnPropertyDescriptor(owner, name);
  const get = inherited?.get;
  if (!get || wrappers.has(get)) return;
  const getter = function (this: unknown) {
    const value: object = Reflect.apply(get, this, []);
    attempt(() => found(value));
    return value;
  };
  wrappers.add(getter);
  put(target, name, { ...inherited, get: getter, configurable: true }, Object.getOwnPropertyDescriptor(target, name));
}

/** Take off everything, also from objects that exist already; what somebody has wrapped or replaced since stays. */
export function unwrapAll(): void {
  for (const target of [...targets].map((reference) => reference.deref()).filter((target) => target !== undefined)) {
    for (const { name, put, before } of (undos.get(target) ?? []).reverse()) {
      const now = Object.getOwnPropertyDescriptor(target, name);
      if (now?.value !== put.value || now?.get !== put.get) continue;
      if (before) Object.defineProperty(target, name, before);
      else Reflect.deleteProperty(target, name);
    }
    undos.delete(target);
  }
  targets.clear();
}

function put(
  target: object,
  name: string,
  descriptor: PropertyDescriptor,
  before: PropertyDescriptor | undefined,
): void {
  Object.defineProperty(target, name, descriptor);
  const known = undos.get(target);
  if (known) known.push({ name, put: descriptor, before });
  else {
    undos.set(target, [{ name, put: descriptor, before }]);
    const reference = new WeakRef(target);
    targets.add(reference);
    gone.register(target, reference);
  }
}

const attempt = (run: () => void) => guarded("patching an SDK", undefined, run);
