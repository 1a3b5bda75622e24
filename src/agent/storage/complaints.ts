/**
 * What find and tar say when a tree changes under their hands: files are gone, folders are files, links are folders.
 * That is no failure; what they could not do is done in a later round.
 */
const HARMLESS = [
  /: (File exists|No such file or directory|Not a directory|Is a directory|Directory not empty)$/,
  /: Too many levels of symbolic links$/,
  /: Cannot hard link to .*: Operation not permitted$/, // to a folder
  /: Directory renamed before its status could be extracted$/,
  /: (file changed as we read it|File removed before we read it|socket ignored)$/,
  /: File shrank by \d+ bytes; padding with zeros$/,
  /^tar: Exiting with failure status due to previous errors$/,
];

/** Is that all it says? A full disk, for one, is something else. */
export function saysOnlyChanged(stderr: string): boolean {
  return stderr
    .trim()
    .split('\n')
    .every(line => HARMLESS.some(pattern => pattern.test(line)));
}
