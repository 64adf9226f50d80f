/** What can be wrong with a YAML text, by the kinds of src/go/module/yamlmap.go. */
export const YAML_FAULTS: Readonly<Record<string, string>> = {
  yaml: 'the text is not valid YAML',
  'yaml-no-map': 'the text is YAML, but no map of names and values',
  'yaml-no-text': 'the text is a YAML map with a list or another map as a value, and only single values are allowed',
  'yaml-aliases': 'the YAML text has aliases that make it far larger than it is',
};
