import ts from 'typescript'

/** What one file asks of another. */
export interface Import {
  /** As it stands in the text: `../workspace/id.ts`, `node:crypto`, `zod`. */
  readonly name: string
  /** Gone once it is compiled. `import { type A }` is not: it still loads the module. */
  readonly typeOnly: boolean
  readonly line: number
}

/** Every import of a source text, re-exports, dynamic ones and those in types among them, in order. */
export function readImports(file: string, text: string): Import[] {
  const source = parse(file, text)
  return [...descendants(source)].flatMap((node) => {
    const specifier = specifierOf(node)
    return specifier === undefined
      ? []
      : [{ ...specifier, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 }]
  })
}

/** Does the text look at the environment of its process? */
export function readsEnvironment(file: string, text: string): boolean {
  return [...descendants(parse(file, text))].some((node) => {
    if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env'
    if (ts.isElementAccessExpression(node))
      return isProcess(node.expression) && isTextNode(node.argumentExpression, 'env')
    if (ts.isVariableDeclaration(node)) return isProcess(node.initializer) && destructures(node.name, 'env')
    return (
      ts.isImportSpecifier(node) &&
      (node.propertyName ?? node.name).text === 'env' &&
      isTextNode(node.parent.parent.parent.moduleSpecifier, 'node:process')
    )
  })
}

function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

function* descendants(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of node.getChildren()) yield* descendants(child)
}

function specifierOf(node: ts.Node): { name: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node))
    return importOf(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
  if (ts.isExportDeclaration(node)) return importOf(node.moduleSpecifier, node.isTypeOnly)
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? importOf(node.argument.literal, true) : undefined
  const isDynamicImport =
    ts.isCallExpression(node) &&
    (node.expression.kind === ts.SyntaxKind.ImportKeyword || isTextNode(node.expression, 'require'))
  return isDynamicImport ? importOf(node.arguments[0], false) : undefined
}

function importOf(specifier: ts.Node | undefined, typeOnly: boolean) {
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? { name: specifier.text, typeOnly } : undefined
}

function isProcess(node: ts.Node | undefined): boolean {
  return node !== undefined && ts.isIdentifier(node) && node.text === 'process'
}

function isTextNode(node: ts.Node, text: string): boolean {
  return (ts.isStringLiteralLike(node) || ts.isIdentifier(node)) && node.text === text
}

function destructures(name: ts.BindingName, property: string): boolean {
  return (
    ts.isObjectBindingPattern(name) &&
    name.elements.some((element) => isTextNode(element.propertyName ?? element.name, property))
  )
}
