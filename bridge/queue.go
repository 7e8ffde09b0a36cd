package bridge

import (
	"runtime/debug"
	"sync"
)

// queue runs functions one after the other, in the order they were posted. It
// has a goroutine only while there is something to run, so an idle conference
// costs none. Closed by its owner when the last function has run.
type queue struct {
	onPanic func(stack []byte)

	mu      sync.Mutex
	work    []func()
	running bool
	closed  bool
	idle    sync.Cond // signalled when running ends; L is &mu
}

func newQueue(onPanic func(stack []byte)) *queue {
	q := &queue{onPanic: onPanic}
	q.idle.L = &q.mu
	return q
}

// post appends f; it reports false when the queue is closed and f will never
// run.
func (q *queue) post(f func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.work = append(q.work, f)
	if !q.running {
		q.running = true
		go q.run()
	}
	return true
}

func (q *queue) run() {
	for {
		q.mu.Lock()
		if len(q.work) == 0 {
			q.running = false
			q.idle.Broadcast()
			q.mu.Unlock()
			return
		}
		f := q.work[0]
		q.work[0] = nil
		q.work = q.work[1:]
		q.mu.Unlock()
		q.call(f)
	}
}

func (q *queue) call(f func()) {
	defer func() {
		if recover() != nil {
			// The value may hold text of a peer: only the stack is told.
			q.onPanic(debug.Stack())
		}
	}()
	f()
}

// close refuses further work; what was posted before still runs.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

// wait returns when nothing is running or waiting.
func (q *queue) wait() {
	q.mu.Lock()
	for q.running {
		q.idle.Wait()
	}
	q.mu.Unlock()
}
