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
  return [...nodes(source)].flatMap((node) => {
    const asked = askedFor(node)
    return asked === undefined
      ? []
      : [{ ...asked, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 }]
  })
}

/** Does the text look at the environment of its process? */
export function readsEnvironment(file: string, text: string): boolean {
  return [...nodes(parse(file, text))].some((node) => {
    if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env'
    if (ts.isElementAccessExpression(node)) return isProcess(node.expression) && isText(node.argumentExpression, 'env')
    if (ts.isVariableDeclaration(node)) return isProcess(node.initializer) && takes(node.name, 'env')
    return (
      ts.isImportSpecifier(node) &&
      (node.propertyName ?? node.name).text === 'env' &&
      isText(node.parent.parent.parent.moduleSpecifier, 'node:process')
    )
  })
}

function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

function* nodes(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of node.getChildren()) yield* nodes(child)
}

function askedFor(node: ts.Node): { name: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node))
    return named(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
  if (ts.isExportDeclaration(node)) return named(node.moduleSpecifier, node.isTypeOnly)
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? named(node.argument.literal, true) : undefined
  const loads =
    ts.isCallExpression(node) &&
    (node.expression.kind === ts.SyntaxKind.ImportKeyword || isText(node.expression, 'require'))
  return loads ? named(node.arguments[0], false) : undefined
}

function named(specifier: ts.Node | undefined, typeOnly: boolean) {
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? { name: specifier.text, typeOnly } : undefined
}

function isProcess(node: ts.Node | undefined): boolean {
  return node !== undefined && ts.isIdentifier(node) && node.text === 'process'
}

function isText(node: ts.Node, text: string): boolean {
  return (ts.isStringLiteralLike(node) || ts.isIdentifier(node)) && node.text === text
}

function takes(name: ts.BindingName, property: string): boolean {
  return ts.isObjectBindingPattern(name) && name.elements.some((one) => isText(one.propertyName ?? one.name, property))
}
