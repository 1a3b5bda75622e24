/** The version of this tool; the same as in package.json, without reading a file at start. A test compares them. */
export const VERSION = '0.1.0';
