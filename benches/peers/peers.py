"""The peers that come as Python packages: numpy over BLAS, hnswlib, usearch, zvec and those of `databases.py`, one system a process.

`peers.py SYSTEM FOLDER [fill|measure|all]` reads the data that `peers data` wrote and prints one line of JSON with the same figures as
`peers edgewise`. Graphs are built with M = 16 and ef_construction = 200; the width of a search is the least of a few that
reaches a recall of 0.99 on these queries, so that each is as fast as it can be at that recall.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from databases import WIDTHS, Chroma, LanceDb, SeekDb, part, parts_of

WANTED = 0.99

# A round of searches ends after so many seconds, with at least so many queries.
LONGEST_ROUND = 20
LEAST_QUERIES = 5


def memory_mb():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1e3
    return 0.0


def disk_mb(path):
    return sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file()) / 1e6


def pieces(rows, size=50_000):
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


class Numpy:
    """Brute force: one product of matrix and vector, the best ten by partition."""

    name = "numpy + BLAS (all rows in memory)"
    widths = [0]

    def __init__(self, folder, rows, dimensions):
        self.file = folder / "rows.npy"
        self.dimensions = dimensions

    def fill(self, base):
        np.save(self.file, base)

    def open(self):
        self.base = np.load(self.file)

    def search(self, query, width, ids):
        base = self.base if ids is None else self.base[ids]
        scores = base @ query
        best = np.argpartition(scores, -10)[-10:]
        best = best[np.argsort(-scores[best])]
        return best if ids is None else ids[best]

    def replace(self, vectors):
        self.base[: len(vectors)] = vectors
        np.save(self.file, self.base)

    def append(self, vectors):
        self.base = np.concatenate((self.base, vectors))


class Hnswlib:
    name = "hnswlib"
    widths = WIDTHS

    def __init__(self, folder, rows, dimensions):
        import hnswlib

        self.module, self.file, self.rows, self.dimensions = hnswlib, folder / "index.bin", rows, dimensions

    def fill(self, base):
        index = self.module.Index("cosine", self.dimensions)
        index.init_index(self.rows + 1000, M=16, ef_construction=200, allow_replace_deleted=True)
        index.set_num_threads(1)
        for start, end in pieces(self.rows):
            index.add_items(base[start:end], np.arange(start, end))
        index.save_index(str(self.file))

    def open(self):
        self.index = self.module.Index("cosine", self.dimensions)
        self.index.load_index(str(self.file), max_elements=self.rows + 2000, allow_replace_deleted=True)
        self.index.set_num_threads(1)

    def search(self, query, width, ids):
        self.index.set_ef(width)
        chosen = None
        if ids is not None:
            every = int(ids[1] - ids[0])
            chosen = lambda id: id % every == 0  # the package calls back into Python
        return self.index.knn_query(query, 10, num_threads=1, filter=chosen)[0][0]

    def replace(self, vectors):
        for id in range(len(vectors)):
            self.index.mark_deleted(id)
        self.index.add_items(vectors, np.arange(len(vectors)), replace_deleted=True)
        self.index.save_index(str(self.file))

    def append(self, vectors):
        self.index.add_items(vectors, np.arange(self.rows, self.rows + len(vectors)), num_threads=1)


class Usearch:
    name = "usearch f32"
    widths = WIDTHS
    dtype = "f32"
    filtered = False

    def __init__(self, folder, rows, dimensions):
        import usearch.index

        self.module, self.file, self.rows, self.dimensions = usearch.index, folder / "index.usearch", rows, dimensions

    def make(self):
        return self.module.Index(
            ndim=self.dimensions, metric="cos", dtype=self.dtype, connectivity=16, expansion_add=200
        )

    def fill(self, base):
        index = self.make()
        for start, end in pieces(self.rows):
            index.add(np.arange(start, end), base[start:end], threads=1)
        index.save(str(self.file))

    def open(self):
        self.index = self.make()
        self.index.load(str(self.file))

    def search(self, query, width, ids):
        self.index.expansion_search = width
        return self.index.search(query, 10, threads=1).keys

    def replace(self, vectors):
        self.index.remove(np.arange(len(vectors)), threads=1)
        self.index.add(np.arange(len(vectors)), vectors, threads=1)
        self.index.save(str(self.file))

    def append(self, vectors):
        self.index.add(np.arange(self.rows, self.rows + len(vectors)), vectors, threads=1)


class UsearchHalf(Usearch):
    name = "usearch f16"
    dtype = "f16"


class Zvec:
    name = "zvec int8 HNSW"
    widths = WIDTHS
    batch = 1000

    def __init__(self, folder, rows, dimensions):
        import zvec

        zvec.init(query_threads=1, optimize_threads=1)
        self.zvec, self.path, self.rows, self.dimensions = zvec, str(folder / "collection"), rows, dimensions

    def docs(self, ids, vectors):
        return [
            self.zvec.Doc(id=str(id), vectors={"v": vector.tolist()}, fields={"n": int(id), "part": part(int(id))})
            for id, vector in zip(ids, vectors)
        ]

    def fill(self, base):
        zvec = self.zvec
        index = zvec.HnswIndexParam(
            metric_type=zvec.MetricType.COSINE, m=16, ef_construction=200, quantize_type=zvec.QuantizeType.INT8
        )
        schema = zvec.CollectionSchema(
            name="bench",
            fields=[
                zvec.FieldSchema("n", zvec.DataType.INT64),
                zvec.FieldSchema("part", zvec.DataType.INT64, index_param=zvec.InvertIndexParam()),
            ],
            vectors=zvec.VectorSchema("v", zvec.DataType.VECTOR_FP32, self.dimensions, index_param=index),
        )
        collection = zvec.create_and_open(self.path, schema)
        for start in range(0, self.rows, self.batch):
            end = min(start + self.batch, self.rows)
            collection.insert(self.docs(range(start, end), base[start:end]))
        collection.flush()
        collection.optimize(zvec.OptimizeOption(concurrency=1))
        collection.flush()
        del collection

    def open(self):
        self.collection = self.zvec.open(self.path)

    def search(self, query, width, ids):
        chosen = None
        if ids is not None:
            chosen = f"part >= {parts_of(ids)}"
        query = self.zvec.Query("v", vector=query.tolist(), param=self.zvec.HnswQueryParam(ef=width))
        return np.array([int(doc.id) for doc in self.collection.query(query, topk=10, filter=chosen)])

    def replace(self, vectors):
        ids = range(len(vectors))
        self.collection.delete([str(id) for id in ids])
        self.collection.insert(self.docs(ids, vectors))
        self.collection.flush()

    def append(self, vectors):
        self.collection.insert(self.docs(range(self.rows, self.rows + len(vectors)), vectors))
        self.collection.flush()

    def take_out(self, count):
        self.collection.delete([str(id) for id in range(self.rows, self.rows + count)])
        self.collection.flush()


SYSTEMS = {
    "numpy": Numpy,
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "usearch-f16": UsearchHalf,
    "zvec": Zvec,
    "lancedb": LanceDb,
    "chroma": Chroma,
    "seekdb": SeekDb,
}


def ask(system, queries, truth, width, ids):
    times, found, expected = [], 0, 0
    begin = time.perf_counter()
    for query, nearest in zip(queries, truth):
        start = time.perf_counter()
        hits = system.search(query, width, ids)
        times.append(time.perf_counter() - start)
        nearest = nearest[nearest >= 0]
        found += len(np.intersect1d(np.asarray(hits).astype(np.int64), nearest))
        expected += len(nearest)
        if len(times) >= LEAST_QUERIES and time.perf_counter() - begin > LONGEST_ROUND:
            break
    times = np.sort(times) * 1e3
    return times[len(times) // 2], times[len(times) * 95 // 100], found / expected, len(times)


def least_width(system, queries, truth, ids):
    """The figures of the least width that reaches the recall wanted, else of the widest."""
    for width in system.widths:
        figures = ask(system, queries, truth, width, ids)
        if figures[2] >= WANTED:
            break
    return (*figures, width)


def fill(system, folder, name, work, rows, base):
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    start = time.perf_counter()
    system.fill(base)
    rate = round(rows / (time.perf_counter() - start))
    filled = {"insert_per_second": rate, "indexed_per_second": rate, "disk_mb": round(disk_mb(work), 1)}
    (folder / f"{name}.filled").write_text(json.dumps(filled))


def main(name, folder, phase="all"):
    folder = Path(folder)
    rows, dimensions = (int(word) for word in (folder / "shape.txt").read_text().split()[:2])
    work = folder / name
    base = np.memmap(folder / "base.f32", dtype=np.float32, mode="r", shape=(rows, dimensions))
    queries = np.fromfile(folder / "queries.f32", dtype=np.float32).reshape(-1, dimensions)
    truth = np.fromfile(folder / "truth.i32", dtype=np.int32).reshape(-1, 3, 10)
    system = SYSTEMS[name](work, rows, dimensions)
    if phase != "measure":
        fill(system, folder, name, work, rows, base)
    if phase == "fill":
        os._exit(0)
    filled = json.loads((folder / f"{name}.filled").read_text())
    first = np.array(base[:100])
    del base
    before = memory_mb()
    start = time.perf_counter()
    system.open()
    system.search(queries[0], system.widths[0], None)
    opened = time.perf_counter() - start
    ask(system, queries, truth[:, 0], system.widths[0], None)
    p50, p95, recall, asked, width = least_width(system, queries, truth[:, 0], None)
    figures = {
        "system": system.name + (f", width {width}" if width else ""),
        **filled,
        "open_ms": round(opened * 1e3, 2),
        "p50_ms": round(p50, 4),
        "p95_ms": round(p95, 4),
        "recall": round(recall, 4),
    }
    if getattr(system, "filtered", True):
        for label, column, every in (("10", 1, 10), ("1", 2, 100)):
            ids = np.arange(0, rows, every)
            p50, _, recall, count, _ = least_width(system, queries[:100], truth[:100, column], ids)
            asked = min(asked, count)
            figures[f"filtered_{label}_p50_ms"] = round(p50, 4)
            figures[f"filtered_{label}_recall"] = round(recall, 4)
    figures["queries"] = asked
    figures["memory_mb"] = round(memory_mb() - before, 1)
    start = time.perf_counter()
    system.replace(first)
    system.search(queries[0], width, None)
    figures["replace_ms"] = round((time.perf_counter() - start) * 1e3, 2)
    more = np.fromfile(folder / "more.f32", dtype=np.float32).reshape(-1, dimensions)
    start = time.perf_counter()
    system.append(more)
    figures["append_per_second"] = round(len(more) / (time.perf_counter() - start))
    if hasattr(system, "take_out"):  # the others were only changed in memory
        system.take_out(len(more))
    print(json.dumps(figures), flush=True)
    # Some packages end slowly.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:4])
