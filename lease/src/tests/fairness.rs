//! Shared and exclusive access in turn: tests that come back again and again in an order that a seed determines. Nobody is
//! overtaken for ever.

use kind_core::access::Access;

use super::random::Random;
use crate::{
    folder::{Folder, Home},
    key::Key,
    lock::{Door, Seat},
};

/// How many single moves are made.
const MOVES: u32 = 30_000;
/// How often one that waits may be overtaken. With nine who all want to come in, each gets a turn long before.
const OVERTAKEN: u32 = 400;

enum Place {
    Outside,
    Waiting { door: Door, overtaken: u32 },
    Inside(Seat),
}

/// Makes moves and returns how often the unluckiest was overtaken.
fn schedule(seed: u64, exclusive: usize, sharing: usize) -> u32 {
    println!("seed {seed}");
    let root = tempfile::tempdir().unwrap();
    let folder = Home::open(root.path()).unwrap().folder(&Key::parse("0123456789").unwrap());
    folder.create().unwrap();
    let mut random = Random::new(seed);
    let kinds = [vec![Access::Exclusive; exclusive], vec![Access::Shared; sharing]].concat();
    let mut places: Vec<Place> = kinds.iter().map(|_| Place::Outside).collect();
    let mut worst = 0;
    for _ in 0..MOVES {
        let mover = usize::try_from(random.below(kinds.len() as u64)).unwrap();
        let (place, entered) =
            go_on(std::mem::replace(&mut places[mover], Place::Outside), &folder, kinds[mover], &mut random);
        places[mover] = place;
        if entered {
            for place in &mut places {
                if let Place::Waiting { overtaken, .. } = place {
                    *overtaken += 1;
                    worst = worst.max(*overtaken);
                }
            }
        }
        let inside = |access: Access| {
            let inside =
                kinds.iter().zip(&places).filter(|(kind, place)| **kind == access && matches!(place, Place::Inside(_)));
            inside.count()
        };
        let (alone, beside) = (inside(Access::Exclusive), inside(Access::Shared));
        assert!(alone == 0 || (alone == 1 && beside == 0), "{alone} exclusive beside {beside} sharing");
    }
    worst
}

/// One move; the second says whether it came in.
fn go_on(place: Place, folder: &Folder, access: Access, random: &mut Random) -> (Place, bool) {
    match place {
        Place::Outside => (Place::Waiting { door: folder.door(access).unwrap(), overtaken: 0 }, false),
        Place::Waiting { mut door, overtaken } => {
            if door.try_enter().unwrap() {
                (Place::Inside(door.into_seat()), true)
            } else {
                (Place::Waiting { door, overtaken }, false)
            }
        }
        Place::Inside(seat) if random.below(3) == 0 => {
            seat.leave();
            (Place::Outside, false)
        }
        inside @ Place::Inside(_) => (inside, false),
    }
}

#[test]
fn nobody_starves() {
    for (exclusive, sharing) in [(1, 8), (3, 6), (6, 3), (8, 1)] {
        let worst =
            [1, 2, Random::fresh_seed()].map(|seed| schedule(seed, exclusive, sharing)).into_iter().max().unwrap();
        println!("{exclusive} exclusive and {sharing} sharing: overtaken at most {worst} times");
        assert!(worst <= OVERTAKEN, "{exclusive} exclusive and {sharing} sharing: overtaken {worst} times");
    }
}
