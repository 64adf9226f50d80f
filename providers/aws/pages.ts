/** All pages of an answer. @param next asks for one page; `undefined` = the first. */
export async function* pages<P extends { readonly NextToken?: string | undefined }>(
  next: (token: string | undefined) => Promise<P>,
): AsyncGenerator<P> {
  let token: string | undefined;
  do {
    const page = await next(token);
    yield page;
    // An empty one would begin anew.
    token = page.NextToken || undefined;
  } while (token !== undefined);
}
