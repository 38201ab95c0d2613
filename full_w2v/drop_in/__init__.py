"""gensim's `Word2Vec` on this engine."""
