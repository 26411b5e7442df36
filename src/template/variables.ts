// The variables of the Dev Containers specification that have a meaning on a server. Any other `${…}` is left to the shell.

const unsupportedReferences =
  /\$\{(localEnv|env|containerEnv|localWorkspaceFolder(?:Basename)?|devcontainerId)(?::[^}]*)?\}/g

const remedies: Readonly<Record<string, string>> = {
  localEnv: "It would copy the server's environment into workspaces: write the value itself.",
  env: "It would copy the server's environment into workspaces: write the value itself.",
  containerEnv: 'The environment of the container is not known before it runs: write the value itself.',
  localWorkspaceFolder:
    'A workspace has no folder on the host: use ${containerWorkspaceFolder}, or write the path itself.',
  localWorkspaceFolderBasename: 'A workspace has no folder on the host: write the name itself.',
  devcontainerId: 'A template has no id: write a value itself.',
}

/** The unsupported variables in `text`, each with its remedy. */
export function unsupportedVariables(text: string): { readonly variable: string; readonly remedy: string }[] {
  return [...text.matchAll(unsupportedReferences)].map(([variable, name = '']) => ({
    variable,
    remedy: remedies[name] ?? 'Write the value itself.',
  }))
}

/** Replaces `${containerWorkspaceFolder}` and `${containerWorkspaceFolderBasename}` in `text`. */
export function substitute(text: string, workspaceFolder: string): string {
  const basename = workspaceFolder.slice(workspaceFolder.lastIndexOf('/') + 1)
  // Functions, because a string replacement would interpret `$&` in a folder's name.
  return text
    .replaceAll('${containerWorkspaceFolder}', () => workspaceFolder)
    .replaceAll('${containerWorkspaceFolderBasename}', () => basename)
}
