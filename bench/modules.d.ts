// What is installed for the bench alone, from its own lock file; it is not there when its programs are type-checked.
declare module "koffi";
declare module "usocket";
