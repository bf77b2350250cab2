//! Beside plain queues.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_same_as_queues(steps in proptest::collection::vec((0..3_u8, 0..2_usize, 0..12_u32), 0..200)) {
        let mut orders = Orders::<2>::new();
        let mut queues = [VecDeque::new(), VecDeque::new()];
        for (step, order, slot) in steps {
            let at = queues.iter().position(|queue| queue.contains(&slot));
            match (step, at) {
                (0, None) => {
                    orders.push(order, slot);
                    queues[order].push_back(slot);
                }
                (1, Some(at)) => {
                    orders.remove(at, slot);
                    queues[at].retain(|other| *other != slot);
                }
                (2, Some(at)) => {
                    orders.renew(at, slot);
                    queues[at].retain(|other| *other != slot);
                    queues[at].push_back(slot);
                }
                _ => {}
            }
            for (order, queue) in queues.iter().enumerate() {
                prop_assert_eq!(orders.first(order), queue.front().copied());
                prop_assert_eq!(orders.len(order), queue.len());
            }
        }
        for (order, queue) in queues.iter_mut().enumerate() {
            while let Some(slot) = orders.first(order) {
                prop_assert_eq!(queue.pop_front(), Some(slot));
                orders.remove(order, slot);
            }
            prop_assert!(queue.is_empty());
        }
    }
}
