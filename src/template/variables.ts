// The variables of the Dev Containers specification, as far as a server can give them a meaning. Any other `${…}` belongs to the
// shell that reads it and is left as it is.

const unsupportedReferences =
  /\$\{(localEnv|env|containerEnv|localWorkspaceFolder(?:Basename)?|devcontainerId)(?::[^}]*)?\}/g

const remedies: Readonly<Record<string, string>> = {
  localEnv: "It would put the server's own environment into workspaces: write the value out.",
  env: "It would put the server's own environment into workspaces: write the value out.",
  containerEnv: 'What is in the container is not known before it runs: write the value out.',
  localWorkspaceFolder:
    'A workspace has no folder on the host: use ${containerWorkspaceFolder}, or write the path out.',
  localWorkspaceFolderBasename: 'A workspace has no folder on the host: write the name out.',
  devcontainerId: 'A template has no id of its own: write a value out.',
}

/** The variables in `text` that cannot be honoured, each with what to do about it. */
export function unsupportedVariables(text: string): { readonly variable: string; readonly remedy: string }[] {
  return [...text.matchAll(unsupportedReferences)].map(([variable, name = '']) => ({
    variable,
    remedy: remedies[name] ?? 'Write the value out.',
  }))
}

/** `text` with `${containerWorkspaceFolder}` and `${containerWorkspaceFolderBasename}` put in. */
export function substitute(text: string, workspaceFolder: string): string {
  const basename = workspaceFolder.slice(workspaceFolder.lastIndexOf('/') + 1)
  // Functions, since `$&` and the like in a folder's name would be read as patterns.
  return text
    .replaceAll('${containerWorkspaceFolder}', () => workspaceFolder)
    .replaceAll('${containerWorkspaceFolderBasename}', () => basename)
}
