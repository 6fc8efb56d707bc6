// Classes that are recognized across copies of a package. A program can have several copies of these packages installed,
// in different versions too, and an object of one copy is given to a function of another. Each copy has classes of its own,
// so `instanceof` by prototype would answer no, and a descriptor would be borrowed where it should be taken.

interface Class {
  readonly prototype: object;
}

/**
 * Lets `instanceof` of `type` answer yes for every object of a class that has the same `name`, in whatever copy. Subclasses
 * are told apart as usual.
 *
 * @param name the package and the class, "cmsg.OwnedFd".
 */
export function recognizeCopies(type: Class, name: string): void {
  const brand = Symbol.for(name);
  Object.defineProperty(type.prototype, brand, { value: true });
  const isBranded = function (this: unknown, value: unknown): boolean {
    if (this !== type) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  };
  Object.defineProperty(type, Symbol.hasInstance, { value: isBranded });
}
