/** What a build needs, from the native package's folder: what is compiled elsewhere, and published for systems without a prebuild. */
export const SOURCES = ["addon", "common", "init", "keeper", "scripts", "binding.gyp", "package.json"];
