//! How many answers of a host may be under way at once: fewer when it is in trouble, more again as it recovers.

use std::cell::Cell;

use tokio::sync::Notify;

/// The most answers under way at once.
const MOST: usize = 10;

/// One host's slots. A time-out, a 5xx or a cut body leaves one, each good answer adds one.
pub struct Slots {
    limit: Cell<usize>,
    taken: Cell<usize>,
    freed: Notify,
}

/// A slot, free again when dropped.
pub struct Slot<'a>(&'a Slots);

impl Default for Slots {
    fn default() -> Self {
        Self {
            limit: Cell::new(MOST),
            taken: Cell::new(0),
            freed: Notify::new(),
        }
    }
}

impl Slots {
    /// Waits for a slot.
    pub async fn take(&self) -> Slot<'_> {
        while self.taken.get() >= self.limit.get() {
            self.freed.notified().await;
        }
        self.taken.update(|taken| taken + 1);
        Slot(self)
    }

    /// How many there are, taken or free.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// An answer was good.
    pub fn widen(&self) {
        self.limit.update(|limit| MOST.min(limit + 1));
        self.freed.notify_one();
    }

    /// The host is in trouble. What is under way goes on.
    pub fn narrow(&self) {
        self.limit.set(1);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.taken.update(|taken| taken - 1);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// How many slots can be had at once.
    fn free(slots: &Slots) -> usize {
        let mut taken = Vec::new();
        while let Some(slot) = slots.take().now_or_never() {
            taken.push(slot);
        }
        taken.len()
    }

    #[test]
    fn trouble_leaves_one_and_each_good_answer_adds_one() {
        let slots = Slots::default();
        assert_eq!(free(&slots), MOST);
        slots.narrow();
        assert_eq!(free(&slots), 1);
        for expected in 2..=MOST {
            slots.widen();
            assert_eq!(free(&slots), expected);
        }
        slots.widen();
        assert_eq!(free(&slots), MOST);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_slot_that_is_free() {
        let slots = Slots::default();
        slots.narrow();
        let served = Cell::new(0);
        let first = slots.take().await;
        let waiters = futures_util::future::join_all((0..5).map(|_| async {
            let _slot = slots.take().await;
            tokio::task::yield_now().await;
            served.update(|served| served + 1);
        }));
        let release = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        tokio::join!(waiters, release);
        assert_eq!(served.get(), 5);
    }
}
