//! A few threads for what waits for a disk.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

type Task = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    idle: usize,
    closed: bool,
}

#[derive(Default)]
struct Inner {
    queue: Mutex<Queue>,
    more: Condvar,
}

/// The pool. Its threads end when it is dropped, after the tasks that were handed over.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

impl Pool {
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let pool = Self::default();
        for number in 0..threads {
            let inner = Arc::clone(&pool.inner);
            std::thread::Builder::new().name(format!("xpm-disk-{number}")).spawn(move || work(&inner))?;
        }
        Ok(pool)
    }

    pub(crate) fn run(&self, task: impl FnOnce() + Send + 'static) {
        let mut queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.tasks.push_back(Box::new(task));
        let wake = queue.idle > 0;
        drop(queue);
        if wake {
            self.inner.more.notify_one();
        }
    }

    pub(crate) fn close(&self) {
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.inner.more.notify_all();
    }
}

fn work(inner: &Inner) {
    let mut queue = inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(task) = queue.tasks.pop_front() {
            drop(queue);
            task();
            queue = inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        } else if queue.closed {
            return;
        } else {
            queue.idle += 1;
            queue = inner.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}
