// The answer of a model while it grows: what has come so far, and the message that it makes.

// `show` is told at most once a frame how far it has come.
export class Draft {
  constructor(message, show) {
    this.start = message;
    this.show = show;
    this.content = message.content;
    this.thinking = message.data.thinking ?? '';
    this.calls = message.data.tool_calls ?? [];
    this.tokens = 0;
    this.startedAt = performance.now();
    this.firstAt = 0;
    this.thoughtAt = 0;
    this.done = null;
    this.error = '';
    this.keptTokens = 0;
    this.frame = 0;
  }

  take(records) {
    for (const { message = {}, done, ...rest } of records) {
      if (!this.firstAt && (message.content || message.thinking || message.tool_calls)) this.firstAt = performance.now();
      if (message.thinking) this.thinking += message.thinking;
      if (message.content && this.thinking && !this.thoughtAt) this.thoughtAt = performance.now();
      if (message.content) this.content += message.content;
      if (message.tool_calls) this.calls = [...this.calls, ...message.tool_calls];
      if (done) this.done = rest;
      else this.tokens += 1;
    }
    // A hidden page draws no frames, but its answer goes on.
    this.frame ||= document.hidden ? setTimeout(() => this.publish(), 200) : requestAnimationFrame(() => this.publish());
  }

  publish() {
    this.frame = 0;
    const { content, thinking, calls, tokens, firstAt, startedAt, thoughtAt } = this;
    this.show({ id: this.start.id, content, thinking, calls, tokens, firstAt, startedAt, thoughtAt });
  }

  end() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.frame);
  }

  changed() {
    const grown = this.tokens > this.keptTokens;
    this.keptTokens = this.tokens;
    return grown;
  }

  message(state) {
    const data = { ...this.start.data, state, error: this.error || undefined, thinking: this.thinking || undefined };
    if (this.calls.length) data.tool_calls = this.calls;
    if (this.thinking) data.thinking_s = ((this.thoughtAt || performance.now()) - (this.firstAt || this.startedAt)) / 1000;
    if (this.done) data.stats = statsOf(this.done, this.firstAt - this.startedAt);
    if (state === 'streaming') data.saved_at = Date.now();
    else delete data.saved_at;
    return { ...this.start, content: this.content, data };
  }
}

function statsOf(done, firstMs) {
  return {
    prompt_tokens: done.prompt_eval_count ?? 0, tokens: done.eval_count ?? 0, first_s: Math.max(0, firstMs) / 1000,
    per_second: done.eval_duration ? (done.eval_count / done.eval_duration) * 1e9 : 0, total_s: (done.total_duration ?? 0) / 1e9,
    reason: done.done_reason, dropped: done.truncated_messages, limit: done.prompt_limit,
  };
}
