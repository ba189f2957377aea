// The messages of a chat as a tree: each names its parent. `nodes` is a Map of them by id, in the order of their making.

// The id of the message that was made last.
export const lastOf = (nodes) => [...nodes.keys()].at(-1) ?? '';

// The ids of the children by the id of their parent.
export function childrenOf(nodes) {
  const children = new Map();
  for (const { id, parent } of nodes.values()) {
    const known = children.get(parent);
    if (known) known.push(id);
    else children.set(parent, [id]);
  }
  return children;
}

// The messages from the first down to that of `id`.
export function pathTo(nodes, id) {
  const path = [];
  for (let node = nodes.get(id); node && path.length <= nodes.size; node = nodes.get(node.parent)) path.push(node);
  return path.reverse();
}
